import { useEffect, useState } from 'preact/hooks';
import { language, t } from '../i18n';
import { current, isTemporary } from '../state/chats';
import { attach } from '../state/drop';
import { dismiss, notices, spoken } from '../state/notices';
import { models, reach, model } from '../state/server';
import { needsLogin } from '../state/session';
import { changeSettings, settings } from '../state/settings';
import { Composer, INPUT_ID } from './composer';
import { Dialogs } from './dialogs';
import { Icon } from './icon';
import { Login } from './login';
import { Sidebar, toggleSidebar } from './sidebar';
import { Thread } from './thread';

function ServerBanner() {
  if (reach.value !== 'down' && reach.value !== 'loading') return null;
  return (
    <p class="banner" role="status">
      {reach.value === 'down' ? t.value.serverDown : t.value.serverLoading}
    </p>
  );
}

function ModelSelect() {
  if (models.value.length < 2) return <span class="model-name">{model.value?.id ?? ''}</span>;
  return (
    <label class="select">
      <span class="offscreen">{t.value.model}</span>
      <select value={model.value?.id} onChange={(event) => { changeSettings({ model: event.currentTarget.value }); }}>
        {models.value.map((m) => <option key={m.id} value={m.id}>{m.id}</option>)}
      </select>
    </label>
  );
}

function Header() {
  return (
    <header class="top">
      {!settings.value.isSidebarOpen && (
        <button type="button" class="icon-button" aria-label={t.value.showSidebar} title={t.value.showSidebar} onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
      )}
      <h1 class={current.value ? '' : 'offscreen'}><bdi>{current.value?.title ?? (isTemporary.value ? t.value.temporaryChat : 'Tiefsee')}</bdi></h1>
      {(isTemporary.value || current.value?.isTemporary) && <span class="badge"><Icon name="ghost" />{t.value.temporaryChat}</span>}
      <span class="space" />
      <ModelSelect />
    </header>
  );
}

/** The page takes files wherever they are dropped. */
function DropZone() {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      void attach([...(event.dataTransfer?.files ?? [])]);
    };
    document.addEventListener('dragover', onOver);
    document.addEventListener('dragleave', onLeave);
    document.addEventListener('drop', onDrop);
    return () => {
      document.removeEventListener('dragover', onOver);
      document.removeEventListener('dragleave', onLeave);
      document.removeEventListener('drop', onDrop);
    };
  }, []);
  return isOver ? <p class="drop">{t.value.dropHere}</p> : null;
}

function Greeting() {
  return (
    <div class="greeting">
      <span class="lantern is-large" aria-hidden="true" />
      <p class="greeting-title">{t.value.greeting}</p>
      <p class="quiet">{isTemporary.value ? t.value.temporaryHint : t.value.greetingHint}</p>
    </div>
  );
}

function Notices() {
  return (
    <>
      <div class="notices" role="alert">
        {notices.value.map((n) => (
          <p key={n.id} class={n.isError ? 'is-error' : ''} onClick={() => { dismiss(n.id); }}>{n.text}</p>
        ))}
      </div>
      <div class="offscreen" role="status">{spoken.value}</div>
    </>
  );
}

function Chat() {
  const isEmpty = !current.value;
  return (
    <div class={`app${settings.value.isSidebarOpen ? ' has-sidebar' : ''}${isEmpty ? ' is-empty' : ''}`}>
      <button type="button" class="skip" onClick={() => document.getElementById(INPUT_ID)?.focus()}>{t.value.skipToInput}</button>
      {settings.value.isSidebarOpen && <Sidebar />}
      {settings.value.isSidebarOpen && <div class="shade" onClick={toggleSidebar} aria-hidden="true" />}
      <main>
        <Header />
        <ServerBanner />
        {isEmpty ? <Greeting /> : <Thread />}
        <Composer />
        <DropZone />
      </main>
      <Dialogs />
    </div>
  );
}

export function App() {
  useEffect(() => {
    document.documentElement.lang = language.value;
  }, [language.value]);
  return (
    <>
      {needsLogin() ? <Login /> : <Chat />}
      <Notices />
    </>
  );
}
